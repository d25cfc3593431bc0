// SPDX-License-Identifier: MIT
#include "CFieldKernels.h"
