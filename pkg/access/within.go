package access

// Within returns a gate that allows only what both g and before allow. It is for the time in which the cameras change from those
// that before was made for to those that g was made for: neither set of rules may open a camera of the other configuration.
func (g *Gate) Within(before *Gate) *Gate {
	o := g.o
	o.within = before
	return New(o)
}

// bound limits a grant of g to what the gate that g is within allows its holder; ok is false if that is nothing.
func (g *Gate) bound(grant Grant) (bounded Grant, ok bool) {
	if g.o.within == nil {
		return grant, true
	}
	other, ok := g.o.within.Renew(grant)
	if !ok {
		return Grant{}, false
	}
	grant.bound = &other.allowance
	return grant, true
}
