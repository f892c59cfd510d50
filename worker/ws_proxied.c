#include "worker/ws_proxied.h"

#include "base/clock.h"
#include "base/log.h"

#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>

#define LOGGED_A_SECOND 5u

#define NOT_TRUSTED                                                                                \
	"this request says that a proxy stands between, and that proxy is not trusted here: "      \
	"chat-master --trusted-proxy ADDRESS=xff (or =proxy2) trusts one.\n"
#define NO_CLIENT "this proxy is to say who its client is, in X-Forwarded-For, and didn't.\n"

void ws_proxied_log(const struct address *peer, const char *what)
{
	static struct log_limit limit;
	char text[ADDRESS_TEXT_SIZE];

	if (!log_limit_take(&limit, LOGGED_A_SECOND, clock_mono_ms()))
		return;
	address_format(peer, text);
	log_warn("proxy refused", "address=%s what=%s mend=%s", text, what,
		 "--trusted-proxy ADDRESS=xff or ADDRESS=proxy2, if it is one of yours");
}

static void find_peer(struct lws *wsi, struct address *ret_peer)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);

	(void)!getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &len);
	address_from_sockaddr((const struct sockaddr *)&peer, ret_peer);
}

/* The name of a header that only proxies write; NULL: there is none. */
static const char *proxy_header_of(struct lws *wsi)
{
	static const char forwarded[] = "forwarded:";

	if (lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0)
		return "X-Forwarded-For";
	if (lws_hdr_custom_length(wsi, forwarded, sizeof(forwarded) - 1) >= 0)
		return "Forwarded";
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0)
		return "Via";
	return NULL;
}

unsigned ws_proxied_look(struct lws *wsi, const struct ws_arrival *arrival, const char **ret_text)
{
	struct address peer;
	const char *header;

	switch (arrival->proxy) {
	case PROXY_V2:
		return 0;
	case PROXY_XFF:
		if (arrival->client.family != 0)
			return 0;
		find_peer(wsi, &peer);
		ws_proxied_log(&peer, "no address in X-Forwarded-For");
		*ret_text = NO_CLIENT;
		return HTTP_STATUS_BAD_REQUEST;
	case PROXY_NONE:
		break;
	}
	header = proxy_header_of(wsi);
	if (header == NULL)
		return 0;
	find_peer(wsi, &peer);
	ws_proxied_log(&peer, header);
	*ret_text = NOT_TRUSTED;
	return HTTP_STATUS_BAD_REQUEST;
}
