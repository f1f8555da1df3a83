// Package web has the dashboard and the pages for logins and links: their files, embedded in the program, and the headers that
// browsers get with them.
package web
