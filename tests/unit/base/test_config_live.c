#include "base/config_live.h"

#include "base/options.h"

#include <criterion/criterion.h>

static struct config config;
static uint32_t values[CONFIG_LIVE_MAX];

static void load(struct config *ret_config, int argc, const char *const *argv)
{
	char *none[] = {NULL};
	struct buf errors = BUF_INIT;

	cr_assert_eq(config_load(ret_config, argc, (char **)(uintptr_t)argv, none, &errors), 0);
}

static void setup(void)
{
	load(&config, 1, (const char *const[]){"chat-master", NULL});
}

static void teardown(void)
{
	config_finish(&config);
}

TestSuite(config_live, .init = setup, .fini = teardown);

Test(config_live, every_number_that_may_change_is_carried_over)
{
	struct config changed;
	unsigned count;

	load(&changed, 9,
	     (const char *const[]){"chat-master", "--rate", "77", "--log-level", "debug",
				   "--ping-interval", "9", "--max-rooms", "5", NULL});
	count = config_live_get(&changed, values);
	cr_assert(config_live_set(&config, values, count));
	cr_assert_eq(config.rate, 77u);
	cr_assert_eq(config.ping_interval, 9u);
	cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
	cr_assert_eq(config.max_rooms, 1024u, "this one needs a restart");
	config_finish(&changed);
}

Test(config_live, values_that_an_option_does_not_take_change_nothing)
{
	unsigned count = config_live_get(&config, values), refused = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t good = values[i];

		values[0] = 3; /* would be seen: names-per-key */
		values[i] = UINT32_MAX;
		if (config_live_set(&config, values, count)) {
			/* A size may be as big as that. */
			cr_assert_neq(config.max_worker_memory, 0u, "value %u", i);
		} else {
			cr_assert_eq(config.names_per_key, 1u, "value %u", i);
			refused++;
		}
		values[0] = 1;
		values[i] = i == 0 ? 1 : good;
		cr_assert(config_live_set(&config, values, count));
	}
	cr_assert_gt(refused, 10u);
}

Test(config_live, the_numbers_of_another_build_change_nothing)
{
	unsigned count = config_live_get(&config, values);

	values[0] = 3;
	cr_assert_not(config_live_set(&config, values, count - 1));
	cr_assert_not(config_live_set(&config, values, count + 1));
	cr_assert_not(config_live_set(&config, values, 0));
	cr_assert_eq(config.names_per_key, 1u);
}
