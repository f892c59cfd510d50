#include "worker/ws_context.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_BYTES 4096u

/* A line of libwebsockets' own for each bad frame: strangers trigger those, so one a second. */
static void emit_log(int level, const char *line)
{
	static uint64_t quiet_until_ms;
	static unsigned long long suppressed;
	uint64_t now = clock_mono_ms();
	char text[256];

	(void)level;
	/* Said at every close, by the double closing that ws_close() tells of. */
	if (strstr(line, "LRS_DEAD_SOCKET") != NULL)
		return;
	if (now < quiet_until_ms) {
		suppressed++;
		return;
	}
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	log_warn("libwebsockets", "says=%s suppressed=%llu", text, suppressed);
	quiet_until_ms = now + 1000;
	suppressed = 0;
}

/*
 * Once a day libwebsockets looks when its certificates end, by mktime(), which reads
 * /etc/localtime again and again unless TZ says that nothing has changed. A worker has no files.
 */
static void know_the_zone(void)
{
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
}

int ws_context_open(const struct ws_context_options *options, struct ws_context *ret_context)
{
	struct lws_context_creation_info info = {0};
	struct ws_context context = {0};
	void *loops[1] = {options->loop};
	/*
	 * Not LWS_SERVER_OPTION_VALIDATE_UTF8: 4.1.6 doesn't see a message that ends inside a
	 * character with an empty fragment, and judges the pongs between fragments as text.
	 */
	const uint64_t common = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	/* No list of the world's CAs: no client has a certificate to show us. */
	const uint64_t tls = options->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
						    LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS
					  : 0;

	know_the_zone();
	lws_set_log_level(LLL_ERR, emit_log);
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = options->protocols;
	info.options = common | tls;
	info.foreign_loops = loops;
	info.gid = -1;
	info.uid = -1;
	info.max_http_header_data = HEADER_BYTES;
	info.timeout_secs = options->handshake_s;
	/* For who sends no header, or never ends one. */
	info.timeout_secs_ah_idle = options->handshake_s;
	info.keepalive_timeout = (int)options->handshake_s;
	info.retry_and_idle_policy = options->keepalive;
	info.user = options->user;
	context.lws = lws_create_context(&info);
	if (context.lws != NULL) {
		info.options = common;
		info.vhost_name = "plain";
		context.plain = lws_create_vhost(context.lws, &info);
	}
	if (context.plain != NULL && options->tls) {
		/* Certificate and key come by LOAD_EXTRA_SERVER_VERIFY_CERTS. */
		info.options = common | tls | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
		info.vhost_name = "tls";
		info.alpn = "http/1.1"; /* else it would offer its HTTP/2 */
		context.tls = lws_create_vhost(context.lws, &info);
	}
	if (context.plain == NULL || (options->tls && context.tls == NULL)) {
		log_error("transport", "error=%s",
			  "libwebsockets can't start; is libwebsockets-evlib-uv installed?");
		if (context.lws != NULL)
			lws_context_destroy(context.lws);
		return -ENOTSUP;
	}
	*ret_context = context;
	return 0;
}
