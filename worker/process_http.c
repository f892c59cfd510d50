#include "worker/process_http.h"

#include "worker/http.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096u
#define CLIENTS_MAX 16u
#define CLIENT_MS 5000u
#define ACCEPTS_A_TURN 4

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct process_http *http;
	struct client *next, **prev;
	struct buf answer;
	uint64_t close_by_ms;
	size_t len;
	char request[REQUEST_MAX];
};

struct process_http {
	uv_poll_t listener;
	uv_tcp_t first; /* see process_http_create */
	uv_loop_t *loop;
	const struct worker *worker;
	struct client *clients;
	unsigned count;
};

/* ---- one client ---------------------------------------------------------------------- */

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	buf_finish(&client->answer);
	free(client);
}

static void client_close(struct client *client)
{
	if (client->prev == NULL)
		return;
	*client->prev = client->next;
	if (client->next != NULL)
		client->next->prev = client->prev;
	client->prev = NULL;
	client->http->count--;
	uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	client_close(write->data);
}

static const char *status_text(unsigned status)
{
	switch (status) {
	case 200:
		return "200 OK";
	case 400:
		return "400 Bad Request";
	case 404:
		return "404 Not Found";
	case 405:
		return "405 Method Not Allowed";
	default:
		return "503 Service Unavailable";
	}
}

static void send_answer(struct client *client, unsigned status, const char *type,
			const struct buf *body, bool with_body)
{
	uv_buf_t out;

	buf_printf(&client->answer,
		   "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		   "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		   status_text(status), type, body->len);
	if (with_body)
		buf_append(&client->answer, body->data, body->len);
	if (body->failed || client->answer.failed) {
		client_close(client);
		return;
	}
	out = uv_buf_init(client->answer.data, (unsigned)client->answer.len);
	client->write.data = client;
	if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &out, 1, on_written) < 0)
		client_close(client);
}

/* "GET /path?query HTTP/1.1": the path, cut out in place; NULL: not so. */
static char *path_of(char *request, size_t method_len)
{
	char *path = request + method_len;
	char *end = strpbrk(path, " \r\n");

	if (*path != '/' || end == NULL || strncmp(end, " HTTP/1.", 8) != 0)
		return NULL;
	*end = '\0';
	path[strcspn(path, "?")] = '\0';
	return path;
}

static void answer(struct client *client)
{
	const char *type = "text/plain; charset=utf-8";
	bool head = strncmp(client->request, "HEAD ", 5) == 0;
	struct buf body = BUF_INIT;
	unsigned status = 405;
	char *path;

	uv_read_stop((uv_stream_t *)&client->tcp);
	if (head || strncmp(client->request, "GET ", 4) == 0) {
		path = path_of(client->request, head ? 5 : 4);
		status = path != NULL
				 ? http_answer_metrics(client->http->worker, path, &body, &type)
				 : 400;
	}
	if (body.len == 0)
		buf_printf(&body, "%s\n", status_text(status));
	send_answer(client, status, type, &body, !head);
	buf_finish(&body);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct client *client = handle->data;

	(void)suggested;
	*ret_buf = uv_buf_init(client->request + client->len,
			       (unsigned)(sizeof(client->request) - 1 - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (got < 0) { /* gone, or the request is longer than any of ours */
		client_close(client);
		return;
	}
	client->len += (size_t)got;
	client->request[client->len] = '\0';
	if (strstr(client->request, "\r\n\r\n") != NULL)
		answer(client);
}

/* Takes fd over. */
static void client_open(struct process_http *http, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL || uv_tcp_init(http->loop, &client->tcp) < 0) {
		free(client);
		close(fd);
		return;
	}
	client->http = http;
	client->tcp.data = client;
	client->close_by_ms = clock_mono_ms() + CLIENT_MS;
	client->next = http->clients;
	client->prev = &http->clients;
	if (client->next != NULL)
		client->next->prev = &client->next;
	http->clients = client;
	http->count++;
	if (uv_tcp_open(&client->tcp, fd) < 0) {
		close(fd);
		client_close(client);
	} else if (uv_read_start((uv_stream_t *)&client->tcp, give_room, on_read) < 0) {
		client_close(client);
	}
}

/* ---- all of them ------------------------------------------------------------------------ */

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct process_http *http = poll->data;
	int listen_fd;

	(void)events;
	if (status < 0 || uv_fileno((uv_handle_t *)poll, &listen_fd) < 0)
		return;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		/* Another worker may have been faster. */
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (http->count < CLIENTS_MAX)
			client_open(http, fd);
		else
			close(fd);
	}
}

struct process_http *process_http_create(uv_loop_t *loop, int listen_fd,
					 const struct worker *worker)
{
	struct process_http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	http->loop = loop;
	http->worker = worker;
	http->listener.data = http;
	/* The loop's first stream opens /dev/null; a client's would come behind the walls. */
	if (uv_poll_init(loop, &http->listener, listen_fd) < 0 ||
	    uv_tcp_init(loop, &http->first) < 0) {
		free(http);
		return NULL;
	}
	uv_close((uv_handle_t *)&http->first, NULL);
	http->listener.data = http;
	uv_poll_start(&http->listener, UV_READABLE, on_connection);
	return http;
}

void process_http_tick(struct process_http *http, uint64_t now_mono_ms)
{
	struct client *next;

	for (struct client *client = http != NULL ? http->clients : NULL; client != NULL;
	     client = next) {
		next = client->next;
		if (client->close_by_ms <= now_mono_ms)
			client_close(client);
	}
}

void process_http_close(struct process_http *http)
{
	if (http == NULL)
		return;
	while (http->clients != NULL)
		client_close(http->clients);
	uv_close((uv_handle_t *)&http->listener, NULL);
}

void process_http_destroy(struct process_http *http)
{
	free(http);
}
