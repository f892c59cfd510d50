#include "worker/stranger.h"

#include "worker/login_state.h"

#include "auth/address.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "shm/counters.h"
#include "shm/penalty.h"

#include <inttypes.h>
#include <string.h>

#define REFUSALS_LOGGED_A_SECOND 20u
#define CONNECTS_LOGGED_A_SECOND 100u

void stranger_ip(const struct conn *conn, uint8_t ret_ip[16])
{
	const struct address *peer = &conn->identity.peer;

	memset(ret_ip, 0, 16);
	if (peer->family == AF_INET6) {
		memcpy(ret_ip, peer->bytes, 16);
		return;
	}
	ret_ip[10] = 0xff;
	ret_ip[11] = 0xff;
	memcpy(ret_ip + 12, peer->bytes, 4);
}

static bool may_log(struct worker *worker, struct log_limit *limit, unsigned a_second)
{
	if (log_limit_take(limit, a_second, clock_mono_ms()))
		return true;
	counter_add(&worker->shm, COUNTER_log_lines_suppressed_total, 1);
	return false;
}

bool stranger_may_log(struct worker *worker)
{
	return may_log(worker, &worker->refusals_logged, REFUSALS_LOGGED_A_SECOND);
}

bool stranger_may_log_connect(struct worker *worker)
{
	return may_log(worker, &worker->connects_logged, CONNECTS_LOGGED_A_SECOND);
}

void stranger_look(struct worker *worker)
{
	uint64_t now = clock_mono_ms();
	unsigned refusals = log_limit_left_out(&worker->refusals_logged, now);
	unsigned connects = log_limit_left_out(&worker->connects_logged, now);

	if (refusals > 0)
		log_warn("logins refused", "unlogged=%u", refusals);
	if (connects > 0)
		log_warn("strangers came and went", "unlogged=%u", connects);
}

bool stranger_must_wait(struct conn *conn, const char *id)
{
	struct worker *worker = conn->worker;
	uint64_t wait_ms;
	uint8_t ip[16];

	/* Switched off meanwhile, it holds for nobody any more. */
	if (worker->config->penalty_max == 0)
		return false;
	stranger_ip(conn, ip);
	wait_ms = penalty_wait_ms(&worker->shm, ip, clock_mono_ms());
	if (wait_ms == 0)
		return false;
	counter_add(&worker->shm, COUNTER_penalised_total, 1);
	conn_fail_after(conn, id, ERR_rate_limited,
			"too many failed logins from your address: wait, then connect again",
			CLOSE_LIMITS, (int64_t)wait_ms);
	return true;
}

static void add(struct conn *conn, uint32_t cost_s)
{
	struct worker *worker = conn->worker;
	const struct config *config = worker->config;
	const struct penalty_rule rule = {.after = config->penalty_after,
					  .max_ms = config->penalty_max * 1000};
	uint64_t wait_ms;
	uint8_t ip[16];

	stranger_ip(conn, ip);
	wait_ms = penalty_add(&worker->shm, ip, &rule, cost_s * 1000, clock_mono_ms());
	if (wait_ms > 0 && stranger_may_log(worker)) {
		char address[ADDRESS_TEXT_SIZE];

		address_format(&conn->identity.peer, address);
		log_info("address has to wait", "address=%s wait_ms=%" PRIu64, address, wait_ms);
	}
}

void stranger_refused(struct conn *conn)
{
	add(conn, conn->worker->config->penalty_auth_failed);
}

void stranger_entered(struct conn *conn)
{
	uint8_t ip[16];

	if (conn->login->proxied || !address_is_loopback(&conn->identity.peer))
		return;
	stranger_ip(conn, ip);
	penalty_forgive(&conn->worker->shm, ip, clock_mono_ms());
}

void stranger_timed_out(struct conn *conn)
{
	add(conn, conn->worker->config->penalty_auth_timeout);
}
