// Package adatest is a fake Ada to test against: an HTTP server that keeps state and answers as Ada's documentation
// says, with its status codes, error envelopes, page links, rate limits and odd timestamps.
//
//	func TestSignup(t *testing.T) {
//		srv := adatest.NewServer(t)
//		service := NewService(srv.Client())
//		...
//	}
//
// [Server.Fail] makes chosen requests fail, [Server.Calls] has what arrived, and [Server.EndUser] shows what Ada would
// now hold. Operations have the names that errors show, such as "endusers.Create".
//
// The client of [Server.Client] talks to the server through memory, so that both work inside [testing/synctest], where
// waits take no time; make the server inside the bubble. To reach the fake from another process serve it, as it is an
// [net/http.Handler].
//
// The fake holds clients to Ada's published rate limits. A test that makes more than 30 calls in a second without
// synctest is slowed down by them; [RateLimit] lifts them.
//
// How the fake behaves follows Ada and can change with it in any release; its Go API follows the SDK's promises.
package adatest
