import { createRouter, createWebHashHistory, type RouteLocationNormalized, type RouteLocationRaw } from 'vue-router'

import LoginPage from '@/login/LoginPage.vue'
import { i18n } from '@/shared/i18n'
import { homePath, safeNext } from '@/shared/home'
import { me, restoreSession, whenSessionEnds } from '@/shared/session'

declare module 'vue-router' {
  interface RouteMeta {
    title: string
    isPublic?: boolean
  }
}

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', name: 'home', redirect: () => (me.value ? homePath(me.value) : '/login') },
    { path: '/login', name: 'login', component: LoginPage, meta: { title: 'login.title', isPublic: true } },
    // Each page brings its own kit: the phone page loads neither the map nor Element Plus.
    { path: '/map', name: 'map', component: () => import('@/command/CommandPage.vue'), meta: { title: 'map.title' } },
    { path: '/my', name: 'my', component: () => import('@/patrol/MyWeekPage.vue'), meta: { title: 'my.title' } },
    {
      path: '/reminders',
      name: 'reminders',
      component: () => import('@/patrol/RemindersPage.vue'),
      meta: { title: 'my.reminders.title' },
    },
    {
      path: '/visits',
      name: 'visits',
      component: () => import('@/visits/VisitsPage.vue'),
      meta: { title: 'visits.title' },
    },
    {
      path: '/visits/:id([0-9a-fA-F-]{36})',
      name: 'household',
      component: () => import('@/visits/HouseholdPage.vue'),
      meta: { title: 'visits.household.title' },
    },
    { path: '/diary', name: 'diary', component: () => import('@/diary/DiaryPage.vue'), meta: { title: 'diary.title' } },
    {
      path: '/division',
      name: 'division',
      component: () => import('@/division/DivisionPage.vue'),
      meta: { title: 'division.title' },
    },
    {
      path: '/division/:id',
      name: 'plan',
      component: () => import('@/division/PlanPage.vue'),
      meta: { title: 'division.plan.page' },
    },
    {
      path: '/review',
      name: 'review',
      component: () => import('@/review/ReviewPage.vue'),
      meta: { title: 'review.title' },
    },
    {
      path: '/duties',
      name: 'duties',
      component: () => import('@/duties/DutiesPage.vue'),
      meta: { title: 'duties.title' },
    },
    {
      path: '/households',
      name: 'households',
      component: () => import('@/households/HouseholdsPage.vue'),
      meta: { title: 'households.title' },
    },
    {
      path: '/analysis',
      name: 'analysis',
      component: () => import('@/analysis/AnalysisPage.vue'),
      meta: { title: 'analysis.title' },
    },
    {
      path: '/teams',
      name: 'teams',
      component: () => import('@/teams/TeamsPage.vue'),
      meta: { title: 'teams.title' },
    },
    {
      path: '/places',
      name: 'places',
      component: () => import('@/places/PlacesPage.vue'),
      meta: { title: 'places.title' },
    },
    {
      path: '/c/:token',
      name: 'plate',
      component: () => import('@/plate/PlatePage.vue'),
      meta: { title: 'plate.title' },
    },
    {
      path: '/:missing(.*)*',
      name: 'missing',
      component: () => import('./NotFoundPage.vue'),
      meta: { title: 'missing.title', isPublic: true },
    },
  ],
})

router.beforeEach(async (to): Promise<RouteLocationRaw | true> => {
  // Without an answer the page opens and says so itself; only a refusal leads to the login page.
  const reached = await restoreSession().then(
    () => true,
    () => false,
  )
  if (to.name === 'login') return me.value ? (safeNext(to.query.next) ?? homePath(me.value)) : true
  if (to.meta.isPublic || me.value || to.name === 'home') return true
  return reached ? loginFor(to) : { name: 'login', query: { next: to.fullPath, unreachable: '1' } }
})

router.afterEach((to) => {
  document.title = pageTitle(to)
})

whenSessionEnds(() => {
  if (router.currentRoute.value.meta.isPublic) return
  void router.push(loginFor(router.currentRoute.value))
})

function loginFor(to: RouteLocationNormalized): RouteLocationRaw {
  return { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
}

export function pageTitle(route: RouteLocationNormalized): string {
  const { t } = i18n.global
  return route.meta.title ? `${t(route.meta.title)} · ${t('app.name')}` : t('app.name')
}
