package access

// Intersect returns an authenticator that allows only what both a and other allow. It is for the time in which the cameras change from those
// that other was made for to those that a was made for: neither configuration may grant access to a camera of the other one.
func (a *Authenticator) Intersect(other *Authenticator) *Authenticator {
	o := a.options
	o.limit = other
	return New(o)
}

// limitGrant restricts a grant of a to what the limiting authenticator allows its holder; ok is false if that is nothing.
func (a *Authenticator) limitGrant(grant Grant) (limited Grant, ok bool) {
	if a.options.limit == nil {
		return grant, true
	}
	other, ok := a.options.limit.Revalidate(grant)
	if !ok {
		return Grant{}, false
	}
	grant.limit = &other.permission
	return grant, true
}
