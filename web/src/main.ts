import { createApp } from 'vue'

import App from '@/app/App.vue'
import { fatalError } from '@/app/fatal'
import { router } from '@/app/router'
import { currentLocale, i18n } from '@/shared/i18n'
import '@/shared/styles/base.css'

document.documentElement.lang = currentLocale()

const app = createApp(App)
app.config.errorHandler = (failure) => {
  console.error(failure)
  fatalError.value = failure
}
// A page chunk that is gone from the server means that a newer version was installed.
window.addEventListener('vite:preloadError', (event) => {
  event.preventDefault()
  fatalError.value = event.payload
})
app.use(i18n).use(router).mount('#app')
