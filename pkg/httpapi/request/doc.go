// Package request has what all handlers share: who sent a request, over which connection, for which camera, and how it is
// answered.
package request
