// SPDX-License-Identifier: MIT
#pragma once

#include <malloc.h>
