/* SPDX-License-Identifier: MIT */
#include <stdio.h>
int main(void)
{
    puts("cpsim");
    return 0;
}
