package config

import (
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// addCredentials adds user and password to a source. Each may be in one place only.
func (d *decoder) addCredentials(src *sourceurl.Source, v *value, password Secret, passwordKey *value) {
	if !src.IsNetwork() {
		return // checkSourceKind has reported it
	}
	user := v.get("user")
	if user != nil && src.User != "" {
		d.errorf(user.key, "user: the source has a user, too; remove one")
	}
	if passwordKey != nil && src.Password != "" {
		d.errorf(passwordKey.key, "%s: the source has a password, too; remove one", passwordKey.key.Value)
	}
	if src.User == "" {
		d.checkUser(user, passwordKey)
	}
	if s := v.text("user"); s != "" {
		src.User = s
	}
	if password != "" {
		src.Password = string(password)
	}
}

// checkUser reports a password without a user.
func (d *decoder) checkUser(user, passwordKey *value) {
	if passwordKey != nil && user == nil {
		d.errorf(passwordKey.key, "%s: has no user; add user", passwordKey.key.Value)
	}
}

// addSubstreamLogin gives the substream the user and password of the source. It does so only on the same host, so that no other host gets
// the password, and only where the substream has no password and no other user of its own.
func addSubstreamLogin(c *options.Camera) {
	sub, src := &c.Substream, c.Source
	if sub.Kind != "" && sub.URL.Hostname() == src.URL.Hostname() && sub.Password == "" && (sub.User == "" || sub.User == src.User) {
		sub.User, sub.Password = src.User, src.Password
	}
}
