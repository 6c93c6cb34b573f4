#include <stdio.h>
int main(void)
{
    puts("cpsim");
    return 0;
}
