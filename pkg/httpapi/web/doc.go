// Package web serves the dashboard and the pages for logins and links. It embeds their files in the program, and sets their headers for
// browsers.
package web
