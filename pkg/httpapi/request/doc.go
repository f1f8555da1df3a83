// Package request describes a request for the handlers below package httpapi: who sent it, over which connection, and for which camera
// with which limits. It also has the ways to answer: errors, JSON and headers against caching.
package request
