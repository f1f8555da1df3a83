// This file checks FFmpeg's connections before FFmpeg uses them. FFmpeg itself follows redirects and playlists to any host. Its RTSP
// and HLS readers do not pass TLS options on, so they verify no certificate.
//
// The dynamic linker finds a program's symbols before those of its libraries. FFmpeg therefore calls the functions below, which call the
// functions of the libraries. All connections of FFmpeg begin with getaddrinfo, also those to numeric addresses, and continue on
// the same thread.
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "_cgo_export.h"
#include "connect.h"
#include "next_symbol.h"

static _Thread_local char resolved[NI_MAXHOST]; // the host that this thread looked up last

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static _Atomic(resolve *) library;
	resolve *r = library;
	if (!r)
		library = r = (resolve *)next_symbol("getaddrinfo", getaddrinfo, __builtin_return_address(0));
	if (!r)
		return EAI_FAIL;
	if (!host || (hints && hints->ai_flags & AI_NUMERICHOST)) // FFmpeg listens, or parses an address that it does not connect to
		return r(host, service, hints, result);
	resolved[0] = 0;
	if (strlen(host) >= sizeof resolved || !hostAllowed((char *)host))
		return EAI_FAIL;
	strcpy(resolved, host);
	int failed = r(host, service, hints, result);
	for (struct addrinfo *a = failed ? 0 : *result; a; a = a->ai_next) {
		char address[NI_MAXHOST];
		if (!getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, 0, 0, NI_NUMERICHOST))
			addressResolved(address);
	}
	return failed;
}

typedef int shake(struct gnutls_session_int *);
typedef const struct datum *peers(struct gnutls_session_int *, unsigned *);

// gnutls_handshake fails if the certificate does not verify, before FFmpeg sends anything.
int gnutls_handshake(struct gnutls_session_int *session);

int gnutls_handshake(struct gnutls_session_int *session)
{
	void *caller = __builtin_return_address(0);
	shake *handshake = (shake *)next_symbol("gnutls_handshake", gnutls_handshake, caller);
	peers *certificates = (peers *)next_symbol("gnutls_certificate_get_peers", 0, caller);
	if (!handshake || !certificates)
		return CERTIFICATE_ERROR;
	int failed = handshake(session);
	if (failed)
		return failed;
	unsigned count = 0;
	const struct datum *chain = certificates(session, &count);
	return certificateAllowed(resolved, (struct datum *)chain, chain ? count : 0) ? 0 : CERTIFICATE_ERROR;
}
