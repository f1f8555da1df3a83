// Package sbom lists what camd is built from: the Go modules in its programs, their licences, third-party code in its pages, and the
// Debian packages whose libraries are linked. It writes the package's NOTICE and its software bill of materials.
package sbom
