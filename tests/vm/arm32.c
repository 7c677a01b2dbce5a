/*
 * For watch.sh on AArch64: a program of 32 bits, built by clang without a C library. Opens
 * /etc/shadow, and ends with 0 when that succeeded.
 */
static long call(long nr, long a, long b, long c)
{
	register long r7 __asm__("r7") = nr;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;

	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
	return r0;
}

void _start(void)
{
	enum { EXIT = 1, OPEN = 5 }; /* arch/arm/tools/syscall.tbl */

	call(EXIT, call(OPEN, (long)"/etc/shadow", 0, 0) < 0, 0, 0);
	for (;;)
		;
}
