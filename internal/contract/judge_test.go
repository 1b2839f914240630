package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// judge passes requests on and reports what in them or in their answers is against the document.
type judge struct {
	next        http.RoundTripper
	router      routers.Router
	report      func(violation string)
	answersOnly bool            // requests are wrong on purpose
	one         *sync.Mutex     // requests can be under way at once, and are judged one by one
	seen        map[string]bool // the operation and the status of each answer
}

func newJudge(t *testing.T, doc *openapi3.T, report func(violation string)) judge {
	t.Helper()
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return judge{router: router, report: report, one: new(sync.Mutex), seen: map[string]bool{}}
}

// on returns the judge in front of a transport. What it has seen is shared.
func (j judge) on(next http.RoundTripper) judge {
	j.next = next
	return j
}

// forgiving returns the judge as one that judges answers only. What it has seen is shared.
func (j judge) forgiving() judge {
	j.answersOnly = true
	return j
}

// RoundTrip implements [http.RoundTripper].
func (j judge) RoundTrip(req *http.Request) (*http.Response, error) {
	again := func() *http.Request { return req }
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		again = func() *http.Request {
			r := req.Clone(req.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
			return r
		}
	}
	resp, err := j.next.RoundTrip(again())
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	j.check(again(), resp, body)
	return resp, nil
}

func (j judge) check(req *http.Request, resp *http.Response, body []byte) {
	j.one.Lock()
	defer j.one.Unlock()
	route, pathParams, err := j.router.FindRoute(req)
	if err != nil {
		j.report(fmt.Sprintf("%s %s: %v", req.Method, req.URL.EscapedPath(), err))
		return
	}
	name := route.Method + " " + route.Path
	j.seen[fmt.Sprintf("%s %d", name, resp.StatusCode)] = true
	sent := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: pathParams, Route: route,
		Options: &openapi3filter.Options{
			MultiError:                        true,
			RejectWhenRequestBodyNotSpecified: true,
			SkipSettingDefaults:               true,
			AuthenticationFunc:                authenticate,
		},
	}
	if !j.answersOnly {
		if err := openapi3filter.ValidateRequest(req.Context(), sent); err != nil {
			j.report(fmt.Sprintf("%s: request: %v", name, err))
		}
		for query := range req.URL.Query() { // ValidateRequest lets unknown ones pass
			if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, query) == nil {
				j.report(fmt.Sprintf("%s: request: parameter %q in query is not documented", name, query))
			}
		}
	}
	got := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: sent, Status: resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(req.Context(), got.SetBodyBytes(body)); err != nil {
		j.report(fmt.Sprintf("%s: answer %d: %v", name, resp.StatusCode, err))
	}
}

// authenticate wants a bearer token. Whether it is the right one is for the server to say.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header.Values("Authorization")
	if len(header) != 1 {
		return errors.New("there is not one Authorization header")
	}
	if token, ok := strings.CutPrefix(header[0], "Bearer "); !ok || token == "" {
		return errors.New("the Authorization header has no bearer token")
	}
	return nil
}
