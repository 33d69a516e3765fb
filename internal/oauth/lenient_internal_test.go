package oauth

import "testing"

// TestOnlyObjectsAreMended: what else a server answers goes on as it came.
func TestOnlyObjectsAreMended(t *testing.T) {
	for text, want := range map[string]string{
		`{"access_token":"a","expires_in":"7.9","token_type":5}`: `{"access_token":"a","expires_in":7}`,
		`{}`: `{}`, `null`: "", `[]`: "", `"a"`: "", `access_token=a&expires_in=7`: "", ``: "", `{"access_token":"a"`: "",
	} {
		if got, ok := mendGrant([]byte(text)); string(got) != want || ok != (want != "") {
			t.Errorf("%s becomes %s, %t", text, got, ok)
		}
	}
}
