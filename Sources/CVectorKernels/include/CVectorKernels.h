// SPDX-License-Identifier: MIT
#pragma once

#include "learning_kernels.h"
