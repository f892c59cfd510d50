#include "worker/http.h"

#include "worker/metrics.h"
#include "worker/worker.h"

#include <string.h>

static const char front_page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>Roomkey</title>\n"
	"<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:4rem auto;padding:0 1rem}"
	"code{background:#8882;padding:.15em .4em;border-radius:.3em}</style>\n"
	"<h1>Roomkey</h1>\n"
	"<p>A team's chat that you enter with the SSH key you already have.</p>\n"
	"<p>Join from a terminal: <code>chat-client YOU@HOST:%u</code></p>\n"
	"<p>Programs speak JSON lines over the WebSocket at <code>/ws</code>; "
	"<a href=\"/metrics\">metrics</a> are for Prometheus.</p>\n";

unsigned http_answer(void *server_data, const char *path, struct buf *body,
		     const char **ret_content_type)
{
	const struct worker *worker = server_data;

	if (strcmp(path, "/healthz") == 0) {
		buf_append_str(body, "ok\n");
		return 200;
	}
	if (strcmp(path, "/readyz") == 0) {
		buf_append_str(body, worker->draining ? "draining\n" : "ready\n");
		return worker->draining ? 503 : 200;
	}
	if (strcmp(path, "/metrics") == 0) {
		*ret_content_type = "text/plain; version=0.0.4; charset=utf-8";
		metrics_write(&worker->shm, body);
		return 200;
	}
	if (strcmp(path, "/") == 0) {
		*ret_content_type = "text/html; charset=utf-8";
		buf_printf(body, front_page, worker->inherit->port);
		return 200;
	}
	buf_append_str(body, "not found\n");
	return 404;
}
