// Package bitrix24 speaks the platform's wire protocol and knows nothing else of ours (only the type that hides
// secrets): the REST client with Call and Batch, its typed errors, the guard on where requests may go, and the forms
// that the platform posts to an app (AppRequest for pages, Event for events).
//
// What lives elsewhere: what a request is believed for (install, oauth), what an item means (crm).
package bitrix24
