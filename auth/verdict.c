#include "auth/verdict.h"

const char *verdict_code(enum verdict verdict)
{
	switch (verdict) {
#define VERDICT(name, code, text)                                                                  \
	case VERDICT_##name:                                                                       \
		return code;
#include "auth/verdict.def"
#undef VERDICT
	}
	return "malformed";
}

const char *verdict_text(enum verdict verdict)
{
	switch (verdict) {
#define VERDICT(name, code, text)                                                                  \
	case VERDICT_##name:                                                                       \
		return text;
#include "auth/verdict.def"
#undef VERDICT
	}
	return "not a verdict";
}
