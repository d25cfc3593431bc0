// SPDX-License-Identifier: MIT
#include "CVectorKernels.h"
