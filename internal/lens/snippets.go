package lens

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"itemlens/internal/crm"
)

// Snippet is a program that asks for an item, in one language.
type Snippet struct {
	Key  string // in messages: request.needs.<Key>, what its reader has to put in first
	Name string // of the language or tool, and of the library
	Code string
}

// Placeholders stand in snippets for what nobody but their reader has. The names are those of the platform's documentation.
const (
	PlaceUser    = "put_your_user_id_here"
	PlaceWebhook = "put_your_webhook_here"
	PlaceToken   = "put_access_token_here"
)

// NewSnippets writes programs that ask for an item at a portal's REST address, which ends in "/rest/"
// (api-reference/crm/universal/crm-item-get.md; the libraries: sdk/ of the documentation). Each is whole; no secret is in any.
func NewSnippets(endpoint string, ref crm.Ref) []Snippet {
	typ, id := strconv.Itoa(ref.EntityTypeID), strconv.FormatInt(ref.ID, 10)
	parameters := `{"entityTypeId":` + typ + `,"id":` + id + `}`
	authorized := `{"entityTypeId":` + typ + `,"id":` + id + `,"auth":"` + PlaceToken + `"}`
	domain := endpoint
	if u, err := url.Parse(endpoint); err == nil {
		domain = u.Host
	}
	fill := strings.NewReplacer("TYPE", typ, "ID", id).Replace
	return []Snippet{
		{"webhook", "cURL (webhook)", curl(endpoint+PlaceUser+"/"+PlaceWebhook+"/crm.item.get", parameters)},
		{"token", "cURL (OAuth)", curl(endpoint+"crm.item.get", authorized)},
		{"frame", "JavaScript (BX24.js)", fill(inFrame)},
		{"crest", "PHP (CRest)", fill(inCRest)},
		{"variable", "PHP (B24PhpSDK)", fill(inPHP)},
		{"python", "Python (B24PySDK)", strings.Replace(fill(inPython), "DOMAIN", literal(domain), 1)},
		{"variable", "JavaScript (B24JsSDK)", fill(inJS)},
		{"variable", "Go (B24GoSDK)", fill(inGo)},
	}
}

// curl writes a command for a POSIX shell.
func curl(address, body string) string {
	return fmt.Sprintf(`curl -sS -X POST \
  -H 'Content-Type: application/json' \
  -H 'Accept: application/json' \
  -d %s \
  %s
`, shell(body), shell(address))
}

// shell quotes a text for a POSIX shell.
func shell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// literal quotes a text for Python, as JSON does: both read the same escapes.
func literal(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

const inFrame = `BX24.init(() => {
  BX24.callMethod('crm.item.get', { entityTypeId: TYPE, id: ID }, (result) => {
    if (result.error()) {
      console.error(result.error());
      return;
    }
    console.log(result.data().item);
  });
});
`

const inCRest = `<?php
require_once __DIR__ . '/crest.php';

$result = CRest::call('crm.item.get', [
    'entityTypeId' => TYPE,
    'id' => ID,
]);

print_r($result['result']['item'] ?? $result);
`

const inPHP = `<?php
require_once 'vendor/autoload.php';

use Bitrix24\SDK\Services\ServiceBuilderFactory;

$b24 = ServiceBuilderFactory::createServiceBuilderFromWebhook(getenv('B24_WEBHOOK_URL'));
$answer = $b24->core->call('crm.item.get', ['entityTypeId' => TYPE, 'id' => ID]);

print_r($answer->getResponseData()->getResult()['item']);
`

const inPython = `import os

from b24pysdk import BitrixWebhook, Client

client = Client(BitrixWebhook(domain=DOMAIN, webhook_token=os.environ["B24_WEBHOOK_TOKEN"]))
request = client.crm.item.get(entity_type_id=TYPE, bitrix_id=ID)

print(request.result["item"])
`

const inJS = `import { B24Hook } from '@bitrix24/b24jssdk'

const $b24 = B24Hook.fromWebhookUrl(process.env.B24_WEBHOOK_URL)
const response = await $b24.actions.v2.call.make({
  method: 'crm.item.get',
  params: { entityTypeId: TYPE, id: ID }
})

if (!response.isSuccess) {
  throw new Error(response.getErrorMessages().join('; '))
}
console.log(response.getData().result.item)
`

const inGo = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	b24 "github.com/bitrix24/b24gosdk"
)

func main() {
	client := b24.NewClient(os.Getenv("B24_WEBHOOK_URL"))
	answer, err := client.Core().Call(context.Background(), "crm.item.get", b24.Params{
		"entityTypeId": TYPE,
		"id":           ID,
	}, b24.WithIdempotent())
	if err != nil {
		log.Fatal(err)
	}
	item, _ := b24.Unwrap(answer.Result, "item")
	fmt.Printf("%s\n", item)
}
`
