#include "worker/http.h"

#include "worker/health.h"
#include "worker/metrics.h"
#include "worker/worker.h"

#include "auth/address.h"

#include <string.h>

static const char front_page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>Roomkey</title>\n"
	"<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:4rem auto;padding:0 "
	"1rem}"
	"code{background:#8882;padding:.15em .4em;border-radius:.3em}</style>\n"
	"<h1>Roomkey</h1>\n"
	"<p>A team's chat that you enter with the SSH key you already have.</p>\n"
	"<p>Join from a terminal: <code>chat-client YOU@HOST:%u</code></p>\n"
	"<p>Programs speak JSON lines over the WebSocket at <code>/ws</code>.</p>\n";

unsigned http_answer_metrics(const struct worker *worker, const char *path, struct buf *body,
			     const char **ret_content_type)
{
	*ret_content_type = "text/plain; charset=utf-8";
	if (strcmp(path, "/healthz") == 0) {
		buf_append_str(body, "ok\n");
		return 200;
	}
	if (strcmp(path, "/readyz") == 0)
		return health_write(worker, body) ? 200 : 503;
	if (strcmp(path, "/metrics") == 0) {
		*ret_content_type = "text/plain; version=0.0.4; charset=utf-8";
		metrics_write(&worker->shm, worker->config, body);
		metrics_write_agents(worker->inherit->agents, body);
		return 200;
	}
	buf_append_str(body, "not found\n");
	return 404;
}

static bool is_for_operators(const char *path)
{
	return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
	       strcmp(path, "/metrics") == 0;
}

unsigned http_answer(void *server_data, const struct sockaddr_storage *peer, const char *path,
		     struct buf *body, const char **ret_content_type)
{
	const struct worker *worker = server_data;
	struct address address;

	if (is_for_operators(path) && worker->config->metrics_listen[0] == '\0') {
		address_from_sockaddr((const struct sockaddr *)peer, &address);
		if (address_is_loopback(&address))
			return http_answer_metrics(worker, path, body, ret_content_type);
		buf_append_str(body, "this is told to programs on the server's own machine; "
				     "--metrics-listen gives others an address\n");
		return 403;
	}
	if (strcmp(path, "/") == 0) {
		*ret_content_type = "text/html; charset=utf-8";
		buf_printf(body, front_page, worker->inherit->port);
		return 200;
	}
	buf_append_str(body, "not found\n");
	return 404;
}
