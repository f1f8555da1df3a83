package access

// Intersect returns an authenticator that allows only what both a and other allow. Use it while a reload replaces the cameras of
// other's configuration by those of a's: neither configuration may grant access to a camera of the other one.
func (a *Authenticator) Intersect(other *Authenticator) *Authenticator {
	o := a.options
	o.limit = other
	return New(o)
}

// limitGrant restricts a grant to what options.limit allows its holder. ok is false if that authenticator does not accept the holder.
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
