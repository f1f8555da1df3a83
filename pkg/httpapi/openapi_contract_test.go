package httpapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// contract compares answers with the description, and remembers which parts of it were seen.
type contract struct {
	doc  *openapi3.T
	seen map[string]bool // "GET /x 200", "GET /x 200 header Age", "GET /x 200 text/html", "Camera.fps"
}

func readContract(t *testing.T) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"image/jpeg", "image/svg+xml", "text/html", "text/css", "text/javascript", "multipart/byteranges", "application/vnd.google.protobuf"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
	return &contract{doc, map[string]bool{}}
}

// commonHeaders are headers that HTTP describes, or that every answer may have.
var commonHeaders = []string{"Accept-Ranges", "Access-Control-Allow-Origin", "Cache-Control", "Connection", "Content-Length", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Content-Type", "Date", "Expires", "Pragma",
	"Referrer-Policy", "Vary", "X-Accel-Buffering", "X-Content-Type-Options"}

// check compares an answer with the description of a path. A request that was served must follow the description, too.
func (c *contract) check(t *testing.T, path string, req *http.Request, body string, resp *http.Response) {
	t.Helper()
	item := c.doc.Paths.Value(path)
	if item == nil || item.GetOperation(req.Method) == nil {
		t.Errorf("%s %s is not described", req.Method, path)
		return
	}
	what := fmt.Sprintf("%s %s", req.Method, path)
	op := item.GetOperation(req.Method)
	in := &openapi3filter.RequestValidationInput{
		Request: req.Clone(t.Context()), PathParams: pathParams(path, req.URL.Path),
		Route:   &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: req.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	in.Request.Body = io.NopCloser(strings.NewReader(body))
	if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil && resp.StatusCode < 400 {
		t.Errorf("%s is served, but the description does not allow it: %v", req.URL, err)
	} else if err == nil && resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(path, "/cameras/") {
		t.Errorf("%s is refused, but the description allows it", req.URL)
	}
	described := op.Responses.Status(resp.StatusCode)
	if described == nil {
		t.Errorf("%s: %d of %s is not described", what, resp.StatusCode, req.URL)
		return
	}
	what = fmt.Sprint(what, " ", resp.StatusCode)
	c.seen[what] = true
	for name := range resp.Header {
		if describedHeader(described.Value, name) == "" && !slices.Contains(commonHeaders, name) {
			t.Errorf("%s: header %s is not described", what, name)
		}
		c.seen[what+" header "+describedHeader(described.Value, name)] = true
	}
	c.checkBody(t, what, in, described.Value, resp)
}

// describedHeader returns the name of a header as the description spells it. HTTP ignores case.
func describedHeader(r *openapi3.Response, name string) string {
	for written := range r.Headers {
		if strings.EqualFold(written, name) {
			return written
		}
	}
	return ""
}

func (c *contract) checkBody(t *testing.T, what string, in *openapi3filter.RequestValidationInput, described *openapi3.Response, resp *http.Response) {
	t.Helper()
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
	kind, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if described.Content[kind] != nil {
		c.seen[what+" "+kind] = true
	}
	if kind == "multipart/x-mixed-replace" || kind == "video/mp4" { // they have no end
		if kind != "video/mp4" {
			c.checkPart(t, what, multipart.NewReader(bufio.NewReader(resp.Body), params["boundary"]))
		}
		out.Options = &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, ExcludeResponseBody: true}
		if described.Content[kind] == nil {
			t.Errorf("%s: a stream is not described", what)
		}
	} else if resp.StatusCode != http.StatusSwitchingProtocols {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if len(described.Content) == 0 && len(b) > 0 {
			t.Errorf("%s: a body is not described: %q", what, b)
		}
		if out.SetBodyBytes(b); kind == "application/json" {
			var v any
			if err := json.Unmarshal(b, &v); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if content := described.Content[kind]; content != nil {
				c.markProperties("", content.Schema, v)
			}
		}
	}
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s: %.800v", what, err)
	}
}

// checkPart compares the header of a stream's first part with StreamPart.
func (c *contract) checkPart(t *testing.T, what string, stream *multipart.Reader) {
	t.Helper()
	part, err := stream.NextRawPart()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	fields := map[string]any{}
	for name := range part.Header {
		fields[name] = part.Header.Get(name)
	}
	schema := c.doc.Components.Schemas["StreamPart"]
	if err := schema.Value.VisitJSON(fields, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s: a part's header: %v", what, err)
	}
	c.markProperties("StreamPart", schema, fields)
}

// markProperties notes which of a schema's properties a value has.
func (c *contract) markProperties(place string, schema *openapi3.SchemaRef, v any) {
	if schema == nil {
		return
	}
	if schema.Ref != "" {
		place = schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			c.markProperties(place+"[]", schema.Value.Items, item)
		}
	case map[string]any:
		for name, value := range v {
			if property := schema.Value.Properties[name]; property != nil {
				c.seen[place+"."+name] = true
				c.markProperties(place+"."+name, property, value)
			} else {
				c.markProperties(place+".*", schema.Value.AdditionalProperties.Schema, value)
			}
		}
	}
}

// missing lists the described parts that no answer had.
func (c *contract) missing() (missing []string) {
	note := func(what string) {
		if !c.seen[what] {
			missing = append(missing, what)
		}
	}
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				what := method + " " + path + " " + status
				note(what)
				for name := range response.Value.Headers {
					note(what + " header " + name)
				}
				for kind := range response.Value.Content {
					note(what + " " + kind)
				}
			}
		}
	}
	for name, schema := range c.doc.Components.Schemas {
		if name != "Change" { // it is the body of a request
			listProperties(name, schema, note)
		}
	}
	slices.Sort(missing)
	return missing
}

func listProperties(place string, schema *openapi3.SchemaRef, note func(string)) {
	if schema == nil || schema.Ref != "" {
		return
	}
	for name, property := range schema.Value.Properties {
		note(place + "." + name)
		listProperties(place+"."+name, property, note)
	}
	listProperties(place+"[]", schema.Value.Items, note)
	listProperties(place+".*", schema.Value.AdditionalProperties.Schema, note)
}

var segment = regexp.MustCompile(`\{(\w+)\}`)

// pathParams reads the parameters in a path.
func pathParams(path, actual string) map[string]string {
	pattern := regexp.MustCompile("^" + segment.ReplaceAllString(path, "(?P<$1>[^/]*)") + "$")
	values := pattern.FindStringSubmatch(actual)
	params := map[string]string{}
	for i, name := range pattern.SubexpNames() {
		if name != "" && i < len(values) {
			params[name] = values[i]
		}
	}
	return params
}

// parameters returns the names of all query parameters.
func (c *contract) parameters() []string {
	names := map[string]bool{}
	for _, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range op.Parameters {
				if p.Value.In == openapi3.ParameterInQuery {
					names[p.Value.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
