package source

import (
	"cmp"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// newRedactor returns a redactor of the secrets in a start message.
func newRedactor(start wire.Start) sourceurl.Redactor {
	src, _ := sourceurl.Parse(start.Source) // the login is a secret also of a source that camd cannot read
	src.User, src.Password = cmp.Or(start.User, src.User), cmp.Or(start.Password, src.Password)
	return sourceurl.NewRedactor(src)
}

// redactEvent removes the secrets from the texts of an event.
func redactEvent(r sourceurl.Redactor, e event) event {
	switch e := e.(type) {
	case openedEvent:
		e.Backend, e.Codec, e.Note = r.Redact(e.Backend), r.Redact(e.Codec), r.Redact(e.Note)
		return e
	case endedEvent:
		e.detail = r.Redact(e.detail)
		return e
	case workerRefusedEvent:
		e.fault.detail = r.Redact(e.fault.detail)
		return e
	}
	return e
}
