// Package azure lets Trawl write to Azure Blob Storage: a program that imports it can use
// outputs such as azblob://container/prefix.
//
//	import _ "github.com/trawlcrawler/trawl/drivers/azure"
//
// The account and its credentials come from AZURE_STORAGE_ACCOUNT and the variables that
// Azure's own tools read. The parameters of the URL are those of gocloud.dev/blob/azureblob.
package azure

import (
	_ "gocloud.dev/blob/azureblob" // azblob://

	"github.com/trawlcrawler/trawl/drivers/internal/cloud"
	"github.com/trawlcrawler/trawl/internal/output"
)

func init() {
	output.Register("azblob", cloud.Driver{Scheme: "azblob",
		Advises: "create the container, let these credentials list and write there, " +
			"set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or log in with az login"})
}
