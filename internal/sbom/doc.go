// Package sbom lists the software that camd is built from: the Go modules in its programs with their licences, third-party code in its pages,
// and the Debian packages whose libraries the programs link. It writes the package's NOTICE and its software bill of materials.
package sbom
