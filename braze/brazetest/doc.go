// Package brazetest is a fake Braze to test against: an HTTP server with the endpoint users.track, which keeps profiles,
// events and purchases and answers as Braze's documentation says, with its limits, rate headers and partial errors.
//
//	func TestRefundIsTracked(t *testing.T) {
//		srv := brazetest.NewServer(t)
//		service := NewService(srv.Client())
//		...
//		if events := srv.Events(); len(events) != 1 || events[0].Name != "asked_for_refund" {
//			t.Errorf("got %v", events)
//		}
//	}
//
// Attributes are applied as Braze does: null removes, increments and array operations change what is there, objects are
// replaced or merged, and what is over Braze's limits is dropped in silence where Braze does that. [Server.Fail] makes
// requests fail, [Reject] has objects refused, [Server.Calls] has what arrived, and [Server.Profile], [Server.Profiles],
// [Server.Events] and [Server.Purchases] show what Braze would now hold, and [Server.DataPoints] what that costs.
//
// The client of [Server.Client] talks to the server through memory, so that both work inside [testing/synctest], where
// waits take no time; make the server inside the bubble. To reach the fake from another process serve it, as it is a
// [net/http.Handler].
//
// How the fake behaves follows Braze and can change with it in any release; its Go API follows the SDK's promises.
package brazetest
