#include "CIndexKernels.h"

#if defined(__GLIBC__)
#include <malloc.h>

void kern_give_back_memory(void) { malloc_trim(0); }
#else
void kern_give_back_memory(void) {}
#endif
