// Package arch has only tests of the source text: which package may import which, the format of text files, links of documents, and doc
// comments.
package arch
