// SPDX-License-Identifier: GPL-2.0
/* The JSON schema of captures, as it stands in capture.schema.json. */
#include <dmasync/report.h>

__asm__(".pushsection .rodata\n"
	".globl report_schema\n"
	"report_schema:\n"
	".incbin \"src/report/capture.schema.json\"\n"
	".byte 0\n"
	".popsection\n");
