#include "shm/segment_layout.h"

#include "shm/crc32c.h"

#include <errno.h>
#include <string.h>

#define PAGE UINT64_C(4096)
#define COUNT_LIMIT (UINT32_C(1) << 22)
#define ADDRESSES_DEFAULT 4096u
#define PENALTIES_DEFAULT 65536u

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint64_t power_of_two(uint64_t at_least)
{
	uint64_t power = 1;

	while (power < at_least)
		power *= 2;
	return power;
}

int segment_sizes_complete(struct segment_sizes *sizes)
{
	sizes->inbox_lines = sizes->room_lines / 4 > 2 ? sizes->room_lines / 4 : 2;
	sizes->inbox_bytes = sizes->room_bytes / 4;
	if (sizes->max_addresses == 0)
		sizes->max_addresses = sizes->max_connections < ADDRESSES_DEFAULT
					       ? sizes->max_connections
					       : ADDRESSES_DEFAULT;
	if (sizes->max_penalties == 0)
		sizes->max_penalties = sizes->max_connections < PENALTIES_DEFAULT
					       ? sizes->max_connections
					       : PENALTIES_DEFAULT;
	return sizes->inbox_bytes > 0 ? 0 : -EINVAL;
}

static bool sizes_reasonable(const struct segment_sizes *sizes)
{
	const uint32_t counts[] = {sizes->max_users, sizes->max_devices,   sizes->max_connections,
				   sizes->max_rooms, sizes->max_addresses, sizes->max_penalties};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i] == 0 || counts[i] > COUNT_LIMIT)
			return false;
	}
	return sizes->rooms_per_user > 0 && sizes->rooms_per_user <= 1u << 14 &&
	       sizes->room_lines > 0 && sizes->room_lines <= 1u << 24 && sizes->inbox_lines > 1 &&
	       sizes->inbox_lines <= 1u << 24 && sizes->room_bytes > 0 &&
	       sizes->room_bytes <= UINT64_C(1) << 32 && sizes->inbox_bytes > 0 &&
	       sizes->inbox_bytes <= UINT64_C(1) << 32;
}

static uint64_t table_at(uint64_t *end, uint64_t bytes)
{
	uint64_t at = *end;

	*end = round_up(at + bytes, PAGE);
	return at;
}

static uint64_t dirty_stride(uint32_t words)
{
	return round_up(words + (words + 63) / 64, CACHE_LINE / 8) * 8;
}

int segment_layout(struct segment_header *header)
{
	const struct segment_sizes *sizes = &header->sizes;
	uint64_t end = 0;

	if (!sizes_reasonable(sizes))
		return -EINVAL;
	header->magic = SHM_MAGIC;
	header->layout_version = SHM_LAYOUT_VERSION;
	header->header_bytes = sizeof(*header);
	header->user_stride = round_up(
		sizeof(struct user) + sizes->rooms_per_user * sizeof(struct member), CACHE_LINE);
	header->room_ring = (uint32_t)power_of_two(sizes->room_lines);
	header->inbox_ring = (uint32_t)power_of_two(sizes->inbox_lines);
	header->room_data_ring = power_of_two(sizes->room_bytes);
	header->inbox_data_ring = power_of_two(sizes->inbox_bytes);
	header->room_body_bytes = round_up(
		header->room_ring * sizeof(struct log_entry) + header->room_data_ring, PAGE);
	header->inbox_body_bytes = round_up(
		header->inbox_ring * sizeof(struct log_entry) + header->inbox_data_ring, PAGE);
	header->dirty_words = (sizes->max_rooms + sizes->max_users + 63) / 64;
	header->bucket_count[0] = (uint32_t)power_of_two(sizes->max_rooms);
	header->bucket_count[1] = (uint32_t)power_of_two(sizes->max_users);
	header->bucket_count[2] = (uint32_t)power_of_two(sizes->max_devices);
	/*
	 * All may be attached, as many more belong to workers just dead, and each user keeps
	 * one lost.
	 */
	header->session_slots = 2 * sizes->max_connections + sizes->max_users;

	table_at(&end, sizeof(*header));
	header->worker_slots = table_at(&end, SLOTS_MAX * sizeof(struct worker_slot));
	header->dirty = table_at(&end, SLOTS_MAX * dirty_stride(header->dirty_words));
	header->rooms = table_at(&end, sizes->max_rooms * sizeof(struct room));
	header->room_buckets = table_at(&end, header->bucket_count[0] * sizeof(uint32_t));
	header->users = table_at(&end, sizes->max_users * header->user_stride);
	header->user_buckets = table_at(&end, header->bucket_count[1] * sizeof(uint32_t));
	header->windows = table_at(&end, sizes->max_devices * sizeof(struct window));
	header->window_buckets = table_at(&end, header->bucket_count[2] * sizeof(uint32_t));
	header->sessions = table_at(&end, header->session_slots * sizeof(struct session));
	header->addresses = table_at(&end, sizes->max_addresses * sizeof(struct address_counts));
	header->penalties = table_at(&end, sizes->max_penalties * sizeof(struct penalty));
	header->room_bodies = table_at(&end, sizes->max_rooms * header->room_body_bytes);
	header->inbox_bodies = table_at(&end, sizes->max_users * header->inbox_body_bytes);
	header->total_bytes = end;
	return 0;
}

void segment_view(struct shm *shm, unsigned char *base, size_t size)
{
	struct segment_header *header = (struct segment_header *)(void *)base;

	shm->base = base;
	shm->size = size;
	shm->header = header;
	shm->sizes = &header->sizes;
	shm->workers = (struct worker_slot *)(void *)(base + header->worker_slots);
	shm->rooms = (struct room *)(void *)(base + header->rooms);
	shm->windows = (struct window *)(void *)(base + header->windows);
	shm->sessions = (struct session *)(void *)(base + header->sessions);
	shm->addresses = (struct address_counts *)(void *)(base + header->addresses);
	shm->penalties = (struct penalty *)(void *)(base + header->penalties);
}

uint32_t segment_header_crc(const struct segment_header *header)
{
	return crc32c(0, header, SEGMENT_HEADER_CONSTANT);
}

const char *segment_largest_table(const struct segment_header *header, uint64_t *ret_bytes)
{
	const struct {
		const char *option;
		uint64_t bytes;
	} tables[] = {
		{"--max-devices", header->window_buckets - header->windows},
		{"--max-users", header->user_buckets - header->users},
		{"--max-rooms", header->room_buckets - header->rooms},
		{"--max-connections", header->penalties - header->sessions},
		{"--max-penalties", header->room_bodies - header->penalties},
	};
	size_t most = 0;

	for (size_t i = 1; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].bytes > tables[most].bytes)
			most = i;
	}
	*ret_bytes = tables[most].bytes;
	return tables[most].option;
}

/* ---- where things are ---- */

struct user *segment_user(const struct shm *shm, uint32_t user)
{
	return (struct user *)(void *)(shm->base + shm->header->users +
				       user * shm->header->user_stride);
}

struct member *segment_members(const struct shm *shm, uint32_t user)
{
	return (struct member *)(void *)(segment_user(shm, user) + 1);
}

struct log_head *segment_log(const struct shm *shm, uint32_t log)
{
	return log_is_inbox(shm, log) ? &segment_user(shm, user_of_inbox(shm, log))->inbox
				      : &shm->rooms[log].log;
}

uint64_t segment_body_offset(const struct shm *shm, uint32_t log)
{
	const struct segment_header *header = shm->header;

	if (log_is_inbox(shm, log))
		return header->inbox_bodies + user_of_inbox(shm, log) * header->inbox_body_bytes;
	return header->room_bodies + log * header->room_body_bytes;
}

uint64_t segment_body_bytes(const struct shm *shm, uint32_t log)
{
	return log_is_inbox(shm, log) ? shm->header->inbox_body_bytes
				      : shm->header->room_body_bytes;
}

struct log_entry *segment_log_index(const struct shm *shm, uint32_t log)
{
	return (struct log_entry *)(void *)(shm->base + segment_body_offset(shm, log));
}

unsigned char *segment_log_bytes(const struct shm *shm, uint32_t log)
{
	uint32_t ring = log_is_inbox(shm, log) ? shm->header->inbox_ring : shm->header->room_ring;

	return shm->base + segment_body_offset(shm, log) + ring * sizeof(struct log_entry);
}

_Atomic uint64_t *segment_dirty(const struct shm *shm, unsigned slot)
{
	return (_Atomic uint64_t *)(void *)(shm->base + shm->header->dirty +
					    slot * dirty_stride(shm->header->dirty_words));
}
