// SPDX-License-Identifier: MIT
#pragma once

#include "exact_encoding_kernels.h"
#include "learning_kernels.h"
#include "packed_encoding_kernels.h"
