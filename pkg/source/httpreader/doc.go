// Package httpreader reads the pictures of one HTTP camera: MJPEG streams, and single JPEGs that it polls. It decodes nothing.
//
// Read sends the first request, calls back for each picture, and returns when the source ends, when no picture comes for too long, or when
// its context ends. The content type of the answer decides how a source with the scheme http or https is read. A source with the scheme
// http+poll or https+poll is always polled. Read starts no goroutines of its own. It closes its connections, and the goroutines of net/http for
// them end soon after.
//
// # Servers
//
// Package serverrules says which servers a source may use: redirects may lead to the source's own host, at any port, and to the hosts of
// Options.RedirectHosts. They never lead from https:// to http://. Only the source's own server gets the password.
//
// # Complete pictures
//
// Package httpmjpeg finds the pictures in a response. It leaves out pictures that are cut off, do not have the structure of a JPEG, or are
// too large, and OnDrop is called for each of them. The data inside of a picture is not decoded: see package damagecheck.
//
// # Bounds
//
// These bounds hold whatever a server sends: Options.MaxBytes for a picture, and 64 KiB of memory beyond that; the 1 MiB of net/http for
// the headers of a response; 64 KiB that are read of a body behind a picture, to use a connection again; 8 redirects in a row.
package httpreader
