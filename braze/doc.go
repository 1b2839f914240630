// Package braze writes what is learned about people into their Braze profiles, through the endpoint users.track.
//
//	client, err := braze.NewClient(braze.Config{Endpoint: braze.US01, APIKey: ada.Secret(key)})
//	if err != nil { ... }
//	user := braze.ExternalID("crm-42")
//	result, err := client.Track(ctx, braze.Batch{
//		Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro"}}},
//		Events:     []braze.Event{{User: user, Name: "asked_for_refund", Time: time.Now()}},
//	})
//
// [Client.Track] takes any number of objects, splits them as Braze wants it, and tells of each what became of it. A
// service that learns one thing at a time has a [Buffer], which collects objects and sends them together. A [Dedupe]
// saves data points by leaving out what Braze already has. Package braze/segment makes objects of Segment's calls, and
// package braze/fromada of what Ada sends.
//
// What to know before using it:
//
//   - Every custom attribute that is sent is a data point, which Braze charges for, changed or not.
//   - A request takes 75 objects and 4,000,000 bytes, and Braze 3,000 requests in 3 seconds; contracts can have lower
//     limits: see [Config]. The client keeps to them.
//   - In a request Braze works on attributes before events and on events before purchases. The objects of one user are
//     kept in their order within these.
//   - Braze fixes the type of an attribute by the first value that it ever sees.
//
// # What is repeated
//
// Braze has no way to tell it that a request is the same as one before, and keeps an event that comes twice as two. A
// request with nothing but attributes that set values is therefore repeated on failure, and any other only where it
// cannot have taken effect; else its objects are [Unknown]. [Config.AllowDuplicates] has all repeated.
//
// # What is checked
//
// Objects are checked before anything is sent, against all limits and reserved names that Braze documents: much of what
// is over them Braze drops in silence, and answers that it was a success. The error matches [ada.ErrInvalid] and names
// every fault at once.
//
// Values of this package print, log and marshal without the personal data in them.
//
// The package follows Braze's documentation of mid-2026: https://www.braze.com/docs/api/endpoints/user_data/post_user_track
package braze
