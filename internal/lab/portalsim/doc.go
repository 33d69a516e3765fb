// Package portalsim is a simulated Bitrix24 for development and tests: an OAuth server and portals with CRM data, users
// with rights, REST with the platform's shapes, limits and errors, event delivery, and a portal page in the browser that
// hosts apps in iframes. It imports nothing of the app that it serves: a simulator that shared the app's types would
// share its mistakes and prove nothing.
//
// It is no place for real data: it listens on loopback unless told otherwise, says on every page what it is, and
// forgets everything at exit. What is simulated, and from which page of the documentation, is in docs/simulator.md.
package portalsim
