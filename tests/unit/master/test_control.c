#include "worker/control.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
	int master, worker;
	struct control *control;
	unsigned reloads, drains, close_code, retry_after_ms, keyrings;
	uint32_t first;
	bool refuses;
	int keyring_fd;
};

static void reloaded(void *data, const uint32_t *values, unsigned count)
{
	struct world *world = data;

	world->reloads++;
	world->first = count > 0 ? values[0] : 0;
}

static void drained(void *data, const struct control_drain *drain)
{
	struct world *world = data;

	world->drains++;
	world->close_code = drain->close_code;
	world->retry_after_ms = drain->retry_after_ms;
}

/* It holds on to what it got, as a mapping would. */
static int keyring_came(void *data, int fd)
{
	struct world *world = data;

	world->keyrings++;
	if (world->refuses)
		return -EMFILE;
	world->keyring_fd = dup(fd);
	return world->keyring_fd < 0 ? -EBADF : 0;
}

static void world_init(struct world *world)
{
	static const struct control_handler handler = {
		.reload = reloaded,
		.drain = drained,
		.keyring = keyring_came,
	};

	memset(world, 0, sizeof(*world));
	cr_assert_eq(control_pair(&world->master, &world->worker), 0);
	world->control = control_create(world->worker, &handler, world);
	cr_assert_not_null(world->control);
}

static void world_finish(struct world *world)
{
	control_destroy(world->control);
	close(world->master);
	close(world->worker);
}

struct answers {
	unsigned count;
	enum control_verdict last;
};

static void claimed(void *data, enum control_verdict verdict)
{
	struct answers *answers = data;

	answers->count++;
	answers->last = verdict;
}

static struct name_claim claim_of(const char *name)
{
	struct name_claim claim;

	memset(&claim, 0, sizeof(claim));
	claim.kind = NAME_KEY;
	memcpy(claim.name, name, strlen(name));
	return claim;
}

static void answer(const struct world *world, uint64_t request, enum control_verdict verdict)
{
	struct control_packet packet;

	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_CLAIMED;
	packet.request = request;
	packet.claimed.verdict = verdict;
	cr_assert_eq(control_send(world->master, &packet), 0);
}

Test(control, a_claim_reaches_the_master_and_its_verdict_the_claimer)
{
	struct name_claim claim = claim_of("alice");
	struct answers answers = {0};
	struct control_packet packet;
	struct world world;
	uint64_t request = 0;

	world_init(&world);
	cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), 0);
	cr_assert_neq(request, 0u);
	cr_assert_eq(control_read(world.master, &packet), 1);
	cr_assert_eq(packet.kind, CONTROL_CLAIM);
	cr_assert_eq(packet.request, request);
	cr_assert_str_eq(packet.claim.name, "alice");
	cr_assert_eq(control_read(world.master, &packet), 0);
	answer(&world, request, CONTROL_TAKEN);
	cr_assert_eq(answers.count, 0u);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(answers.count, 1u);
	cr_assert_eq(answers.last, CONTROL_TAKEN);
	/* Once. */
	answer(&world, request, CONTROL_GRANTED);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(answers.count, 1u);
	world_finish(&world);
}

Test(control, a_cancelled_claim_is_never_answered)
{
	struct name_claim claim = claim_of("alice");
	struct answers answers = {0};
	struct world world;
	uint64_t request = 0;

	world_init(&world);
	cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), 0);
	control_cancel(world.control, request);
	control_cancel(world.control, 0);
	answer(&world, request, CONTROL_GRANTED);
	cr_assert_eq(control_receive(world.control), 0);
	control_tick(world.control, clock_mono_ms() + 2 * CONTROL_CLAIM_WAIT_MS);
	cr_assert_eq(answers.count, 0u);
	world_finish(&world);
}

Test(control, a_claim_without_an_answer_is_unavailable_after_its_time)
{
	struct name_claim claim = claim_of("alice");
	struct answers answers = {0};
	struct world world;
	uint64_t request = 0;

	world_init(&world);
	cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), 0);
	control_tick(world.control, clock_mono_ms());
	cr_assert_eq(answers.count, 0u);
	control_tick(world.control, clock_mono_ms() + CONTROL_CLAIM_WAIT_MS);
	cr_assert_eq(answers.count, 1u);
	cr_assert_eq(answers.last, CONTROL_UNAVAILABLE);
	world_finish(&world);
}

Test(control, no_more_claims_are_under_way_than_the_socket_holds_answers_for)
{
	struct name_claim claim = claim_of("alice");
	struct answers answers = {0};
	struct world world;
	uint64_t request = 0;

	world_init(&world);
	for (unsigned i = 0; i < CONTROL_CLAIMS_MAX; i++)
		cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), 0);
	cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), -EAGAIN);
	for (uint64_t i = 1; i <= CONTROL_CLAIMS_MAX; i++)
		answer(&world, i, CONTROL_GRANTED);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(answers.count, CONTROL_CLAIMS_MAX);
	cr_assert_eq(control_claim(world.control, &claim, claimed, &answers, &request), 0);
	world_finish(&world);
}

Test(control, orders_of_the_master_arrive)
{
	struct control_packet packet;
	struct world world;

	world_init(&world);
	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_RELOAD;
	packet.reload.count = CONFIG_LIVE_MAX;
	packet.reload.value[0] = 7;
	cr_assert_eq(control_send(world.master, &packet), 0);
	packet.kind = CONTROL_DRAIN;
	packet.drain.close_code = 1001;
	packet.drain.retry_after_ms = 250;
	cr_assert_eq(control_send(world.master, &packet), 0);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(world.reloads, 1u);
	cr_assert_eq(world.first, 7u);
	cr_assert_eq(world.drains, 1u);
	cr_assert_eq(world.close_code, 1001u);
	cr_assert_eq(world.retry_after_ms, 250u);
	world_finish(&world);
}

Test(control, packets_that_no_correct_sender_sends_are_refused)
{
	struct control_packet packet, got;
	struct world world;

	world_init(&world);
	memset(&packet, 0, sizeof(packet));
	/* Too short, too long, no kind. */
	cr_assert_eq(send(world.worker, &packet, 7, 0), 7);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	char longer[sizeof(packet) + 1] = {0};
	cr_assert_eq(send(world.worker, longer, sizeof(longer), 0), (ssize_t)sizeof(longer));
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	cr_assert_eq(control_send(world.worker, &packet), 0);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	/* A name without its end, a claim without a number, a kind of claim that isn't one. */
	packet.kind = CONTROL_CLAIM;
	packet.request = 1;
	memset(packet.claim.name, 'a', sizeof(packet.claim.name));
	cr_assert_eq(control_send(world.worker, &packet), 0);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	packet.claim = claim_of("alice");
	packet.request = 0;
	cr_assert_eq(control_send(world.worker, &packet), 0);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	packet.request = 1;
	packet.claim.kind = NAME_RELEASED;
	cr_assert_eq(control_send(world.worker, &packet), 0);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	/* More numbers than there are places. */
	struct control_packet reload = {.kind = CONTROL_RELOAD,
					.reload = {.count = CONFIG_LIVE_MAX + 1}};
	cr_assert_eq(control_send(world.worker, &reload), 0);
	cr_assert_eq(control_read(world.master, &got), -EBADMSG);
	/* The next one is read all the same. */
	packet.claim.kind = NAME_CA;
	cr_assert_eq(control_send(world.worker, &packet), 0);
	cr_assert_eq(control_read(world.master, &got), 1);
	world_finish(&world);
}

Test(control, a_worker_skips_what_it_does_not_understand)
{
	struct control_packet packet;
	struct world world;

	world_init(&world);
	cr_assert_eq(send(world.master, "hello", 5, 0), 5);
	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_READY; /* well formed, but nothing that a master says */
	cr_assert_eq(control_send(world.master, &packet), 0);
	packet.kind = CONTROL_RELOAD;
	cr_assert_eq(control_send(world.master, &packet), 0);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(world.reloads, 1u);
	world_finish(&world);
}

Test(control, the_other_side_gone_is_a_broken_pipe)
{
	struct control_packet packet;
	struct world world;

	world_init(&world);
	close(world.master);
	cr_assert_eq(control_receive(world.control), -EPIPE);
	cr_assert_eq(control_ready(world.control, &(struct walls_report){0}), -EPIPE);
	cr_assert_eq(control_stopped(world.control), -EPIPE);
	control_destroy(world.control);
	close(world.worker);
	cr_assert_eq(control_pair(&world.master, &world.worker), 0);
	close(world.worker);
	cr_assert_eq(control_read(world.master, &packet), -EPIPE);
	close(world.master);
}

Test(control, a_keyring_comes_with_its_descriptor_and_is_acknowledged)
{
	struct control_packet packet = {.kind = CONTROL_KEYRING};
	struct world world;
	int pipe_fds[2];
	char byte = 0;

	world_init(&world);
	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(control_send_fd(world.master, &packet, pipe_fds[1]), 0);
	close(pipe_fds[1]);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(world.keyrings, 1u);
	cr_assert_eq(write(world.keyring_fd, "k", 1), 1, "it is the one that was sent");
	cr_assert_eq(read(pipe_fds[0], &byte, 1), 1);
	cr_assert_eq(control_read(world.master, &packet), 1);
	cr_assert_eq(packet.kind, CONTROL_KEYRING);
	/* Nothing but what the handler kept is left of it. */
	close(world.keyring_fd);
	cr_assert_eq(read(pipe_fds[0], &byte, 1), 0, "somebody still holds it");
	control_destroy(world.control);
}

Test(control, a_keyring_that_cannot_be_read_is_not_acknowledged)
{
	struct control_packet packet = {.kind = CONTROL_KEYRING};
	struct world world;

	world_init(&world);
	world.refuses = true;
	cr_assert_eq(control_send_fd(world.master, &packet, STDERR_FILENO), 0);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(world.keyrings, 1u);
	world.refuses = false;
	/* Nor is one without a descriptor. */
	cr_assert_eq(control_send(world.master, &packet), 0);
	cr_assert_eq(control_receive(world.control), 0);
	cr_assert_eq(world.keyrings, 1u);
	cr_assert_eq(control_read(world.master, &packet), 0);
	control_destroy(world.control);
}

/* The master asks for none: what an overrun worker sends along doesn't pile up there. */
Test(control, descriptors_for_the_master_are_closed)
{
	struct control_packet packet = {.kind = CONTROL_READY};
	struct world world;
	int pipe_fds[2];
	char byte;

	world_init(&world);
	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(control_send_fd(world.worker, &packet, pipe_fds[1]), 0);
	close(pipe_fds[1]);
	cr_assert_eq(control_read(world.master, &packet), 1);
	cr_assert_eq(read(pipe_fds[0], &byte, 1), 0, "the master holds it");
	control_destroy(world.control);
}
