#include "shm/news.h"

#include <stddef.h>
#include <string.h>

#define HEAD_BYTES offsetof(struct news, line)

bool news_fill(struct news *news, enum news_kind kind, uint32_t index, uint64_t epoch,
	       const void *bytes, size_t len)
{
	memset(news, 0, HEAD_BYTES);
	news->kind = (uint8_t)kind;
	news->index = index;
	news->epoch = epoch;
	news->except = SHM_NONE;
	if (bytes == NULL)
		return true;
	if (len > sizeof(news->line))
		return false;
	news->len = (uint32_t)len;
	memcpy(news->line, bytes, len);
	return true;
}

bool news_send(struct shm *shm, unsigned to_slot, const struct news *news)
{
	return doorbell_send(shm, to_slot, news, HEAD_BYTES + news->len);
}

void news_send_to_readers(struct shm *shm, uint32_t log, const struct news *news)
{
	uint64_t bits = atomic_load_explicit(&segment_log(shm, log)->workers, memory_order_acquire);

	bits &= ~(UINT64_C(1) << shm->slot);
	while (bits != 0) {
		unsigned slot = (unsigned)__builtin_ctzll(bits);

		bits &= bits - 1;
		news_send(shm, slot, news);
	}
}

bool news_read(const void *bytes, size_t len, struct news *ret_news)
{
	if (len < HEAD_BYTES || len > sizeof(*ret_news))
		return false;
	memcpy(ret_news, bytes, len);
	return ret_news->len == len - HEAD_BYTES;
}
