package portalsim_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

func TestUsersByEveryDocumentedParameter(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	hook := w.hook()
	ids := func(query string) string {
		t.Helper()
		r := w.get(hook + query)
		var users []struct{ ID string }
		if err := json.Unmarshal(r.Result, &users); err != nil {
			t.Fatalf("%s: %v in %s", query, err, r.body)
		}
		var out []string
		for _, u := range users {
			out = append(out, u.ID)
		}
		return strings.Join(out, ",")
	}
	for query, want := range map[string]string{
		"user.get":                                       "1,2,3", // the extranet user belongs to no department
		"user.get?ID=2":                                  "2",     // members without FILTER (bx24-call-method.md)
		"user.get?ID[0]=1&ID[1]=3":                       "1,3",
		"user.get?FILTER[ID]=2":                          "2",
		"user.get?filter[id][]=3":                        "3",
		"user.get?filter[LAST_NAME]=Lind":                "3",
		"user.get?filter[%25LAST_NAME]=ros":              "2",
		"user.get?filter[%3D%25LAST_NAME]=ro%25":         "2",
		"user.get?filter[!ID]=2":                         "1,3",
		"user.get?filter[@ID][0]=1&filter[@ID][1]=2":     "1,2",
		"user.get?filter[!@ID][0]=1&filter[!@ID][1]=2":   "3",
		"user.get?filter[>ID]=1":                         "2,3",
		"user.get?filter[ACTIVE]=false":                  "",
		"user.get?filter[ACTIVE]=1":                      "1,2,3",
		"user.get?filter[NAME_SEARCH]=anna":              "1",
		"user.get?filter[USER_TYPE]=extranet":            "",
		"user.get?filter[EMAIL]=marco.rossi@example.com": "2",
		"user.get?filter[UF_DEPARTMENT]=1":               "1,2,3",
		"user.get?filter[NO_SUCH_FIELD]=x":               "1,2,3", // passed over
		"user.get?sort=LAST_NAME&order=ASC":              "1,3,2",
		"user.get?SORT=ID&ORDER=desc":                    "3,2,1",
		"user.search?FILTER[NAME]=ann":                   "1",
		"user.search?FILTER[FIND]=sales":                 "2",
		"user.search?FIND=lind":                          "3",
	} {
		if got := ids(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	r := w.get(hook + "user.get?ID=1&select[]=NAME&select[]=UF_*&select[]=NOTHING")
	if string(r.Result) != `[{"NAME":"Anna","UF_EMPLOYMENT_DATE":"","UF_DEPARTMENT":[1]}]` {
		t.Errorf("select: %s", r.Result)
	}
	contains(t, w.get(hook+"user.get?ID=1&IMAGE_RESIZE=small"), "photo.svg?user=1", "size=small")
	lacks(t, w.get(hook+"user.get?start=-1"), `"total"`)
	contains(t, w.get(hook+"user.get"), `"total":3`)
	contains(t, w.get(hook+"user.fields"), `"LAST_NAME":"Last Name"`, `"UF_DEPARTMENT":"Units"`)
}

func TestUserFieldsGoByScope(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	for scope, c := range map[string]struct{ has, not []string }{
		"user":       {[]string{`"EMAIL":"anna.berger@example.com"`, `"LAST_LOGIN"`, `"TIME_ZONE"`, `"IS_ONLINE":"N"`, `"UF_DEPARTMENT":[1]`}, nil},
		"user_basic": {[]string{`"EMAIL"`, `"DATE_REGISTER"`, `"PERSONAL_MOBILE"`}, []string{`"LAST_LOGIN"`}},
		"user_brief": {[]string{`"TIME_ZONE"`, `"UF_EMPLOYMENT_DATE"`, `"WORK_POSITION"`}, []string{`"EMAIL"`, `"WORK_PHONE"`, `"LAST_LOGIN"`}},
	} {
		hook := w.portal.AddWebhook(1, scope)
		for _, method := range []string{"user.current", "user.get?ID=1"} {
			r := w.get(hook + method)
			contains(t, r, c.has...)
			lacks(t, r, c.not...)
		}
	}
}

func TestSomePeopleAreNeverListed(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	w.portal.ChangeUser(3, func(u *portalsim.User) { u.NoDepartment = true })
	r := w.get(w.hook() + "user.get")
	lacks(t, r, `"ID":"3"`, `"ID":"4"`)
	contains(t, w.get(w.portal.AddWebhook(4, "user")+"user.get"), `"ID":"4"`, `"total":1`)
}

func TestTerminatedUsersWithAndWithoutTransfer(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	w.portal.FinishInstall("app.1")
	form := func(refresh string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {refresh}}
	}
	terminate := w.sim.OAuthURL() + "/control/portals/acme/terminate"
	access, refresh := w.tokens(2)
	if r := w.do("POST", terminate, "application/x-www-form-urlencoded", "id=2"); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	want(t, w.call(access, "profile", ""), 401, "authorization_error")
	want(t, w.exchange(form(refresh)), 400, "invalid_grant")
	if _, err := w.portal.Open("app.1", 2, "DEFAULT", ""); err == nil {
		t.Error("somebody who may not log in opened the app")
	}
	contains(t, w.get(w.hook()+"user.get?ID=2"), `"ACTIVE":false`)

	access, refresh = w.tokens(1)
	hook := w.hook()
	if r := w.do("POST", terminate, "application/x-www-form-urlencoded", "id=1&transfer=Y"); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	contains(t, w.call(access, "profile", ""), `"ID":"5"`, `"ADMIN":true`, `"NAME":"App"`)
	if r := w.exchange(form(refresh)); r.status != 200 || r.User != 5 {
		t.Errorf("the system user's renewal: %d %s", r.status, r.body)
	}
	lacks(t, w.get(hook+"user.get"), `"ID":"5"`)
	if r := w.do("POST", terminate, "application/x-www-form-urlencoded", "id=99"); r.status != 400 {
		t.Errorf("an unknown user: %d", r.status)
	}
}

func TestTimeZonesAreMostlyEmpty(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	contains(t, w.call(access, "profile", ""), `"TIME_ZONE":""`)
	w.portal.FinishInstall("app.1")
	access, _ = w.tokens(4)
	contains(t, w.call(access, "profile", ""), `"TIME_ZONE":"Europe/Prague"`)
}
