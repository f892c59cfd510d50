/*
 * Addresses of peers, and the patterns of from= and source-address, with
 * sshd's rules: CIDR first (a mask that doesn't fit its network is an error, so
 * the whole list fails closed), then wildcards over the address as text. No
 * name is ever looked up: as sshd with UseDNS no, a host name pattern matches nobody.
 */
#ifndef AUTH_ADDRESS_H
#define AUTH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

/* IPv4-mapped IPv6 is IPv4 here. family 0: unknown, which matches no pattern. */
struct address {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	uint8_t bytes[16];
};

void address_from_sockaddr(const struct sockaddr *sa, struct address *ret_address);
/* With port 0; AF_UNSPEC for an unknown one. */
void address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr);
/* What is an IPv4 address in an IPv6 one becomes IPv4. */
void address_unmap(struct address *address);
/* Numeric only: 0 or -EINVAL. Brackets and a zone are not part of it. */
int address_parse(const char *text, struct address *ret_address);
/* "-" for an unknown one. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);
bool address_is_loopback(const struct address *address);

enum address_match {
	ADDRESS_NO,
	ADDRESS_YES,
	ADDRESS_INVALID, /* a pattern is wrong: treat as no, and say so */
};

/* from="...": networks and wildcards, `!` negates. address NULL: only checks the patterns. */
enum address_match address_match_from(const struct address *address, const char *patterns);
/* A certificate's source-address: comma-separated addresses and networks, nothing else. */
enum address_match address_match_networks(const struct address *address, const char *networks);

#endif
