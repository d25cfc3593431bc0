// SPDX-License-Identifier: MIT
#pragma once

#include <gmp.h>
