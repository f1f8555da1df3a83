// This file declares what connect.c needs of gnutls/gnutls.h, which is not always installed.

#ifndef CONNECT_H
#define CONNECT_H

struct gnutls_session_int;

struct datum { // gnutls_datum_t
	unsigned char *data;
	unsigned size;
};

enum { CERTIFICATE_ERROR = -43 }; // GNUTLS_E_CERTIFICATE_ERROR

#endif
