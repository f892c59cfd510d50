#include "worker/judged.h"

#include "auth/names.h"

#include <criterion/criterion.h>
#include <string.h>

static struct keyring_line lines[2];
static struct name_binding bindings[12];
static struct keyring_view view;
static struct judged judged;
static uint64_t hash_key[2] = {1, 2};
static struct segment_header header;
static struct shm shm = {.header = &header};

static void begin(void)
{
	memcpy(header.hash_key, hash_key, sizeof(hash_key));
	memset(bindings, 0, sizeof(bindings));
	for (unsigned i = 0; i < 12; i++) {
		bindings[i].name[0] = (char)('a' + i);
		bindings[i].serial = i + 1;
	}
	view = (struct keyring_view){.lines = lines,
				     .line_count = 1,
				     .bindings = bindings,
				     .binding_count = 2,
				     .text = ""};
}

static void end(void)
{
	judged_finish(&judged);
}

TestSuite(judged, .init = begin, .fini = end);

static struct judged_change compare(void)
{
	struct judged_change change;

	judged_compare(&judged, &shm, &view, &change);
	return change;
}

Test(judged, at_first_everyone)
{
	cr_assert(compare().everyone);
	cr_assert_not(compare().everyone);
	judged_forget(&judged);
	cr_assert(compare().everyone);
}

Test(judged, a_name_more_is_nobody_elses_business)
{
	struct judged_change change;

	compare();
	view.binding_count = 3;
	change = compare();
	cr_assert_not(change.everyone);
	cr_assert_eq(change.added_count, 1);
	cr_assert_str_eq(change.added[0]->name, "c");
	cr_assert_eq(compare().added_count, 0);
}

Test(judged, a_name_in_front_counts_as_one_more)
{
	struct judged_change change;

	view.bindings = bindings + 1;
	compare();
	view.bindings = bindings;
	view.binding_count = 3;
	change = compare();
	cr_assert_not(change.everyone);
	cr_assert_eq(change.added_count, 1);
	cr_assert_str_eq(change.added[0]->name, "a");
}

Test(judged, a_binding_that_changes_or_goes_is_everyones)
{
	compare();
	bindings[1].serial = 99;
	cr_assert(compare().everyone);
	view.binding_count = 1;
	cr_assert(compare().everyone);
	bindings[0].hash[3] = 1;
	cr_assert(compare().everyone);
}

Test(judged, a_line_that_changes_is_everyones)
{
	compare();
	lines[0].expires_s = 7;
	cr_assert(compare().everyone);
	view.line_count = 2;
	cr_assert(compare().everyone);
	view.safety = KEYS_UNSAFE;
	cr_assert(compare().everyone);
	view.line_count = 0;
	cr_assert(compare().everyone);
}

Test(judged, very_many_new_names_are_everyones)
{
	compare();
	view.binding_count = 2 + JUDGED_ADDED_MAX;
	cr_assert_not(compare().everyone);
	view.binding_count = 1;
	compare();
	view.binding_count = 2 + JUDGED_ADDED_MAX;
	cr_assert(compare().everyone);
}
