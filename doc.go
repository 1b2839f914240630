// Package adasdk is the front page of the Go SDK for Ada. It declares nothing; import the package that you need:
//
//   - [github.com/adasdk/ada-go/ada]: the client, its configuration, errors, retries and pacing
//   - [github.com/adasdk/ada-go/endusers]: End Users v2
//   - [github.com/adasdk/ada-go/dataexport]: conversations and messages, for a warehouse
//   - [github.com/adasdk/ada-go/compliance]: erasure of people
//   - [github.com/adasdk/ada-go/proactivesms]: SMS campaigns
//   - [github.com/adasdk/ada-go/webhooks]: what Ada sends; it imports nothing else of the SDK
//   - [github.com/adasdk/ada-go/webhooks/endpoints]: where Ada sends it
//   - [github.com/adasdk/ada-go/ada/adatest]: a fake Ada for your tests
//   - [github.com/adasdk/ada-go/braze]: what is learned, to Braze; [github.com/adasdk/ada-go/braze/fromada] and
//     [github.com/adasdk/ada-go/braze/segment] make it of what Ada and Segment send
//   - [github.com/adasdk/ada-go/braze/brazetest]: a fake Braze for your tests
//
// # A first call
//
//	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(key)})
//	if err != nil {
//		return err
//	}
//	users := endusers.New(client)
//	user, created, err := users.Create(ctx, endusers.NewUser{ExternalID: "crm-42"})
//
// # Absent, null and zero
//
// A field of a request that can be cleared is an [ada.Opt]: left out it changes nothing, [ada.Set] gives it a value,
// the zero value too, and [ada.Null] removes what it has. Fields of answers are plain values, empty where Ada has none.
//
// # Compatibility
//
// Structs can gain fields, so name the fields in literals; error identity under errors.Is stays. The table of what is
// repeated, wait times and log records can change in a minor release. The two latest Go releases are supported.
package adasdk
