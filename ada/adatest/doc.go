// Package adatest is a fake Ada to test against: an HTTP server that keeps state and answers as Ada's documentation
// says, with its status codes, error envelopes, page links, rate limits and odd timestamps.
//
//	func TestSignup(t *testing.T) {
//		srv := adatest.NewServer(t)
//		service := NewService(srv.Client())
//		...
//		if _, ok := srv.EndUser("crm-42"); !ok {
//			t.Error("they are not signed up")
//		}
//	}
//
// It has the End Users API, both erasure APIs - bulk deletion, whose jobs take their time, and data subject requests -
// Proactive SMS, webhooks, which [Server.Deliver] has delivered, and the Data Export API in all its versions.
// [Server.Fail] makes chosen requests fail, [Server.Calls] has what arrived, and [Server.EndUser], [Server.Erasures],
// [Server.SubjectRequests], [Server.Outbox] and [Server.Webhooks] show what Ada would now hold, or have done. Operations
// have the names that errors show, such as "endusers.Create".
//
// What is exported is added by [Server.AddConversations] and [Server.AddMessages], or made up by [Server.Generate], of
// which millions of records fit into memory. The other APIs do not know of it: [Server.RemoveRecords] does what an
// erasure would do to it. The export pages as Ada's does, with links that are timestamps: records that share the
// timestamp of the first one of the next page come again there, and a page of one timestamp can lead to itself.
// [WithExportQuirks] has what is uncertain about Ada's answers.
//
// The client of [Server.Client] talks to the server through memory, so that both work inside [testing/synctest], where
// waits take no time; make the server inside the bubble. To reach the fake from another process serve it, as it is a
// [net/http.Handler].
//
// The fake holds clients to Ada's published rate limits, also those of a day. A test that makes more calls than they
// allow in a second, 30 for end users and 10 for most others, is slowed down by them without synctest; [RateLimit] lifts
// them.
//
// How the fake behaves follows Ada and can change with it in any release; its Go API follows the SDK's promises.
package adatest
