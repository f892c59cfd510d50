#include "worker/ws_upgrade.h"

#include <libwebsockets.h>
#include <string.h>
#include <strings.h>

#define PATH_SIZE 64
#define ORIGIN_SIZE 512
#define KEY_LEN 24 /* base64 of 16 bytes, RFC 6455 §4.1 */

static bool header_is(struct lws *wsi, enum lws_token_indexes header, const char *wanted)
{
	char value[PATH_SIZE];

	return lws_hdr_copy(wsi, value, sizeof(value), header) == (int)strlen(wanted) &&
	       strcasecmp(value, wanted) == 0;
}

static bool path_is(struct lws *wsi, const char *path)
{
	char value[PATH_SIZE];

	return lws_hdr_copy(wsi, value, sizeof(value), WSI_TOKEN_GET_URI) == (int)strlen(path) &&
	       strcmp(value, path) == 0;
}

static bool origin_is_fine(struct lws *wsi, const struct ws_upgrade *upgrade)
{
	char origin[ORIGIN_SIZE];
	int len = lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN);

	if (len <= 0 || upgrade->origin_is_ours == NULL)
		return true;
	if (lws_hdr_copy(wsi, origin, sizeof(origin), WSI_TOKEN_ORIGIN) < 0)
		return false;
	return upgrade->origin_is_ours(upgrade->data, origin);
}

static bool key_is_fine(struct lws *wsi)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	char key[KEY_LEN + 1];

	if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) != KEY_LEN ||
	    lws_hdr_copy(wsi, key, sizeof(key), WSI_TOKEN_KEY) != KEY_LEN)
		return false;
	return strspn(key, alphabet) == KEY_LEN - 2 && strcmp(key + KEY_LEN - 2, "==") == 0;
}

/*
 * The name of the protocol is given to the callback, too, but libwebsockets 4.1.6 asks even
 * where it has answered 403 to a protocol it doesn't know: by then it may have freed the
 * headers that this name lies in (mended upstream in 2025). What has gone isn't found here. And
 * whatever is not "websocket" ends here: "h2c" would let a stranger into its HTTP/2.
 */
int ws_upgrade_check(struct lws *wsi, const struct ws_upgrade *upgrade)
{
	const char *text = NULL;
	unsigned status = 0;

	if (!header_is(wsi, WSI_TOKEN_UPGRADE, "websocket"))
		return -1;
	/*
	 * Later, after the connection has become a WebSocket half, libwebsockets only cuts it for
	 * what is missing; and each way out from there is one that it gets wrong more easily.
	 */
	if (upgrade->refusal != 0) {
		status = upgrade->refusal;
		text = upgrade->refusal_text;
	} else if (!path_is(wsi, upgrade->path))
		status = HTTP_STATUS_NOT_FOUND;
	else if (!origin_is_fine(wsi, upgrade))
		status = HTTP_STATUS_FORBIDDEN;
	else if (!header_is(wsi, WSI_TOKEN_VERSION, "13"))
		status = 426;
	else if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0 || !key_is_fine(wsi))
		status = HTTP_STATUS_BAD_REQUEST;
	if (status == 0)
		return 0;
	/* Refused either way: whether the answer goes out is the peer's concern. */
	(void)!lws_return_http_status(wsi, status, text);
	return -1;
}
